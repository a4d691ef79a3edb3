"""How other exporters are polled."""
