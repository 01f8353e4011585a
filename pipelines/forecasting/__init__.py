"""Forecasting: demand of many series, for our own marts and for anyone's panel, and the judging of it.

Frames and arrays in, frames out; files are read and written by the command alone (command.py). What stock follows from a
forecast is decided elsewhere. How it works, and where it is good: FORECASTING.md beside this.
"""
