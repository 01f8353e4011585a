"""Serialake: from delivered files to the published history of every unit. The flow is drawn in README.md."""
