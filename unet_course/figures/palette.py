"""The course's colours: one palette, told apart by colour-blind eyes and in grey print.

A thing has two shades of one hue: the bright one on dark images, the deep one for lines and frames on white paper.
"""

NUCLEUS, BOUNDARY, ERROR = "#33BBEE", "#EE7733", "#EE3377"  # cyan, orange, magenta: on images
NUCLEUS_LINE, BOUNDARY_LINE, ERROR_LINE = "#0885B2", "#C85A10", "#C2185B"  # the same three on white
INK, PAPER = "#222222", "#FFFFFF"
MARK = "#828282"  # a grey line on white that says something
QUIET = "#BBBBBB"  # a grey that says nothing: grids, edges of pictures
TINT = "#85D5F5"  # the darkest cell of a table: what is written or framed on it stays readable
WHEEL = (NUCLEUS, BOUNDARY, ERROR, "#EFDD8C", "#9DF1BD")  # one nucleus beside the other, on an image
LINES = (NUCLEUS_LINE, BOUNDARY_LINE, ERROR_LINE, INK, "#5A32C8")

# The U, as in Figure 1 of Ronneberger et al. (2015): feature maps blue, copied ones white; convolution arrows blue,
# pooling red, up-convolution green, copying grey, the final 1×1 convolution teal.
MAP, COPIED = "#5494D0", "#FFFFFF"
CONV, POOL, UP, COPY, HEAD = "#306AA0", "#C83721", "#30A14E", "#8E8E8E", "#00626B"
PALE = "#E6E6E6"  # what is not built today
