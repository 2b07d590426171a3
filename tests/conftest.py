"""What holds for every test, and for the programs that tests start."""

import os

# The workers share the cores. Threads of torch that wait for each other, while other tests
# run on the core that they need, cost more than all tests.
os.environ["OMP_NUM_THREADS"] = "1"
