"""How many threads the numeric libraries take."""

# The networks of the command line are small: one thread is as quick, and where other work shares the processors, threads
# that wait for each other in a loop make it ten times slower. Whoever sets these variables is obeyed.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
