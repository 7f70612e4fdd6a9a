"""Who is paged next, and when."""
