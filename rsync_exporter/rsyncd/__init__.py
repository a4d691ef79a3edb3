"""What an rsync daemon writes: lines, times, messages, formats, configuration."""
