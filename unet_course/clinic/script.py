"""A training script with three faults, each of which hides the next. (09)"""

import torch
import torch.nn.functional as F

from unet_course.data.nuclei import random_crops
from unet_course.unet import UNet


class SickScript:
    """Reads mask files, trains a small U-Net and scores it. Divides class numbers by 255, trains another network
    than the one that it scores, and mirrors images without their masks.
    """

    size, count, steps, rate = 64, 4, 100, 1e-2

    def read(self, file):  # (H, W), uint8: 0 background, 1 boundary, 2 interior
        return torch.from_numpy(file / 255).long()

    def network(self):
        return UNet(num_classes=3, channels=(8, 16, 32))

    def start(self):
        optimiser = torch.optim.AdamW(self.network().parameters(), lr=self.rate)
        return self.network(), optimiser

    def batch(self, images, masks, generator):
        x, y = random_crops(images, masks, size=self.size, count=self.count, generator=generator)
        if torch.rand((), generator=generator) < 0.5:
            x = x.flip(-1)
        return x, y

    def step(self, network, optimiser, x, y):
        network.train()
        loss = F.cross_entropy(network(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.item()

    def predict(self, network, images):
        network.eval()
        with torch.no_grad():
            return network(images).argmax(dim=1)

    def score(self, classes, masks):  # Dice of all that is no background
        found, true = classes > 0, masks > 0
        return (2 * (found & true).sum() / (found.sum() + true.sum()).clamp(min=1)).item()

    def run(self, images, files, val_images, val_masks, seed=0):
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        masks = torch.stack([self.read(file) for file in files])
        network, optimiser = self.start()
        losses = []
        for _ in range(self.steps):
            x, y = self.batch(images, masks, generator)
            losses.append(self.step(network, optimiser, x, y))
        return losses, self.score(self.predict(network, val_images), val_masks)
