"""What the gateway costs, measured on this machine: `make bench`."""
