"""A website with a page for everything that can happen to a website."""
