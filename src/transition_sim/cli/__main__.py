"""`python -m transition_sim.cli`."""

from transition_sim.cli import main

main()
