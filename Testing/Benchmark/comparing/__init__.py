"""The parts of comparison.py: what is compared, how it is trained, how it is scored, and the table."""
