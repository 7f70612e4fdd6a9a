"""The figures that documents quote, measured on the machine at hand: `make bench`."""
