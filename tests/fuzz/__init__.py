"""Delivered files damaged at random."""
