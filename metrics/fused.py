"""Elementwise code compiled into one pass over memory.

Most metrics here are chains of cheap operations on whole images, so memory traffic is what they cost. XLA
fuses such a chain into a loop, several times faster than operation by operation. Two things fare worse in it,
and stay outside: means over pixels, and chains of two filters, where XLA would compute the first anew for
each tap of the second. The bounds of the functions marked with `fused` are therefore the bounds of the loops.

Each new shape, the smaller last batch included, costs a compilation of two or three seconds for all metrics
together. Call the metrics eagerly or in a plain tf.function; one with jit_compile=True works, but removes
these bounds and is several times slower.
"""

import tensorflow as tf

fused = tf.function(jit_compile=True)
