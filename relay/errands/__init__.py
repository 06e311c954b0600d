"""What people in the panel ask for and a worker carries out: sending again, probes."""
