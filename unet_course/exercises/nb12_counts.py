"""Exercises of 12_the_family in which something is counted or chosen."""

from unet_course.exercises.answers import number, several, word
from unet_course.exercises.core import Exercise, call, close, expect
from unet_course.family import DenseBlock
from unet_course.tracing import parameter_count

dense = Exercise("12.3", "Parameters of a dense block", "predict", minutes=8)


@dense.behaviour
def one_block(answer):
    got = call(answer, 8, 16)
    last = 24 * 16 + 32  # of the 1×1 convolution and its norm
    for wrong, why in [(4 * (9 * 8 * 4 + 8) + last, "Your layers all see 8 channels. What does the second one see, that the "
                        "first one made?"),
                       (2016 + 32, "You have left out the 1×1 convolution at the end. How many channels go into it?"),
                       (2016 + 32 + 16 * 16 + 32, "Your 1×1 convolution gets what the layers made. What else is handed on "
                        "to it?"),
                       (2016 + 24 * 16, "The norms are missing: two values for each channel that a convolution makes."),
                       (2016 + 16 + 32 + last + 16, "You count biases under the norms. Does a ConvBlock have them?"),
                       (2016 + 32 + 24 * 16, "What comes after the 1×1 convolution, as after the others?")]:
        expect(not (isinstance(got, (int, float)) and got == wrong), f"DenseBlock(8, 16): you count {wrong}. {why}")
    close(got, parameter_count(DenseBlock(8, 16)), "DenseBlock(8, 16): wanted {wanted}, you count {got}. Growth is "
          "4: layer by layer, how many channels go in?")


@dense.behaviour
def any_block(answer):
    for a, b in [(1, 8), (64, 32), (20, 20)]:
        close(call(answer, a, b), parameter_count(DenseBlock(a, b)), f"DenseBlock({a}, {b}): " + "wanted {wanted}, "
              "you count {got}. The growth is a quarter of the output's channels.")


nodes = Exercise("12.4", "The nodes of U-Net++", "predict", minutes=5, mark="classroom")


def node_number(answer, place):
    return number(several(answer, 4, "[4, 4, 64, 4]")[place], f"Number {place + 1}")


@nodes.behaviour
def how_many_nodes(answer):
    got = node_number(answer, 0)
    expect(got != 4, "1: you count 4. That is U-Net's decoder. How many more stand between it and the encoder?")
    expect(got != 15, "1: you count 15, with the five of the encoder. How many are left without them?")
    expect(got == 10, f"1: you count {got:g}. Level 0 has four nodes beside the encoder's. How many have the levels "
           "1, 2 and 3?")


@nodes.behaviour
def tensors_into_a_node(answer):
    got = node_number(answer, 1)
    expect(got != 3, "2: you say 3. These are the nodes before it on its level. Which tensor comes from below?")
    expect(got == 4, f"2: you say {got:g}. All nodes before it on level 0, and one from below. How many are before it?")


@nodes.behaviour
def channels_into_a_node(answer):
    got = node_number(answer, 2)
    expect(got != 256, "3: you say 256, so you add the 128 channels of level 2 as they are. What does the upsampling "
           "make of them?")
    expect(got == 192, f"3: you say {got:g}. Two nodes before it, and what comes from below; each has the channels "
           "of level 1. How many?")


@nodes.behaviour
def nodes_after_pruning(answer):
    got = node_number(answer, 3)
    expect(got == 3, f"4: you say {got:g}. Node 0,2 needs 0,1 and 1,1. What do these two need, besides the encoder?")


choose = Exercise("12.6", "Choose with a reason", "choose", minutes=5, mark="classroom")
NETWORKS = ("U-Net", "ResUNet", "Attention U-Net", "U-Net++", "Dense U-Net")


def chosen(answer, place, wanted, why):
    got = word(answer, place, NETWORKS)
    expect(got == wanted, f"{place + 1}: you choose {got}. {why}")


@choose.behaviour
def nothing_measured(answer):
    chosen(answer, 0, "U-Net", "Nothing is measured yet, so nothing says that you need more. What will you compare a "
           "gain with?")


@choose.behaviour
def deep_and_stuck(answer):
    chosen(answer, 1, "ResUNet", "It cannot even learn its training data: the gradient has too far to go. Which "
           "change gives it a way around each block?")


@choose.behaviour
def two_speeds(answer):
    chosen(answer, 2, "U-Net++", "One training, two speeds: a part of the network has to be a network. Which one has "
           "a head on every depth?")


@choose.behaviour
def where_it_listens(answer):
    chosen(answer, 3, "Attention U-Net", "You are asked for a picture of where the skips are used. Which network "
           "computes a number between 0 and 1 for each pixel of a skip?")
