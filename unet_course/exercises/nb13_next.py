"""Exercises of 13_your_own_data in which something is chosen or computed: the next step, and what workers cost."""

from unet_course.exercises.answers import number, several, word
from unet_course.exercises.core import Exercise, close, expect

plan = Exercise("13.5", "What next?", "choose", minutes=5, mark="classroom")
STEPS = ("train longer", "more images", "mend the masks", "weigh the borders", "a larger network")


def _next(answer, place, wanted, why):
    got = word(answer, place, STEPS)
    expect(got == wanted, f"Case {place + 1}: you choose {got!r}. {why}")


@plan.behaviour
def still_learning(answer):
    _next(answer, 0, "train longer", "The loss still falls and the score still rises when the training ends. What costs "
          "least, and has not been tried?")


@plan.behaviour
def good_at_home_only(answer):
    _next(answer, 1, "more images", "It has learnt its four pictures, and little about others. What would show it more of "
          "the world?")


@plan.behaviour
def the_answer_is_better_than_the_mask(answer):
    _next(answer, 2, "mend the masks", "Look again at that picture: which of the two lies on the cells, the answer or the "
          "mask?")


@plan.behaviour
def found_and_merged(answer):
    _next(answer, 3, "weigh the borders", "Every cell is found; what is missing are the few pixels between two of them. "
          "Which notebook made those pixels count?")


pays = Exercise("13.8", "Do five machines pay?", "predict", minutes=8)
GRADIENTS, SENT, SECONDS, GAIN = 80.0, 128.0, 0.1024, 5 * 0.4 / 0.5024


def _number(answer, place):
    return number(several(answer, 4, "[100, 200, 0.2, 3]")[place], f"Number {place + 1}")


def _near(got, value, hint):
    expect(abs(got - value) > 0.01 * value, hint)


@pays.behaviour
def size_of_the_gradients(answer):
    got = _number(answer, 0)
    _near(got, 20, "1: you say 20. That is the number of parameters, in millions. How many bytes has each of them?")
    _near(got, 640, "1: you say 640. These are bits; wanted megabytes.")
    _near(got, 40, "1: you say 40: two bytes each. A float32 has 32 bits.")
    close(got, GRADIENTS, "1: you say {got} MB. 20 million parameters, each with a gradient of 32 bits: how many "
          "bytes?", 0.01)


@pays.behaviour
def what_each_one_sends(answer):
    got = _number(answer, 1)
    _near(got, 64, "2: you say 64: that is one way round the ring. How often does it go round, to add up and to hand on?")
    _near(got, 160, "2: you say 160, so 2 times the gradients. What one machine has itself need not be sent: 4 of 5 parts.")
    _near(got, 640, "2: you say 640: all that is sent, by the five together. Wanted what one of them sends.")
    _near(got, 800, "2: you say 800, which grows with the machines. In a ring each sends pieces of a fifth. How many?")
    close(got, SENT, "2: you say {got} MB; wanted 2 · (N − 1) / N times the gradients, with N = 5.", 0.01)


@pays.behaviour
def time_on_the_wire(answer):
    got = _number(answer, 2)
    _near(got, SENT / 10000, "3: you say 0.0128 s. The network carries 10 gigabits a second, not 10 gigabytes.")
    expect(abs(got - SECONDS) < 0.01 * SECONDS, f"3: you say {got:.4g} s. 128 megabytes are 1024 megabits; the network "
           "carries 10,000 of them a second.")


@pays.behaviour
def what_is_gained(answer):
    got = _number(answer, 3)
    _near(got, 5, "4: you say 5. While the gradients are sent, nobody computes. How long does a step take now?")
    _near(got, GAIN / 5, "4: that compares single machines. Five of them do five parts of the work in that time.")
    _near(got, 1 / GAIN, "4: you have it upside down: how many times as *fast* are five machines?")
    close(got, GAIN, "4: you say {got}. A step takes 0.4 s of computing and then the time on the wire, and does five times "
          "the work.", 0.02)
