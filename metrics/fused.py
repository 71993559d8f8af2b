"""The decorator `fused`: XLA compiles a function of elementwise operations into one loop over memory.

Most metrics are sequences of cheap operations on whole images, so that memory bandwidth limits them. XLA fuses such a
sequence into one loop, which is several times faster than one operation after another. Two things are slower with XLA
and are not in functions with this decorator: means over pixels; and two filters in sequence, where XLA would compute
the first filter again for each tap of the second. Each function with `fused` is therefore one loop.

Every new shape, also that of a smaller last batch, is compiled once, which takes two or three seconds for all metrics
together. Call the metrics eagerly or in a tf.function without jit_compile; with jit_compile=True they work, but all are
compiled together, which is several times slower.
"""

import tensorflow as tf

fused = tf.function(jit_compile=True)
