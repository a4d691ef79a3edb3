"""Many applications' metrics, pushed or polled, checked and served from one port."""
