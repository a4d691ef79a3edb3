"""What site_checker and db_writer share: their configuration and their messages."""
