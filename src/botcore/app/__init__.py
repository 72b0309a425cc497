"""The one place that names concrete classes: settings in, processes and their parts out."""
