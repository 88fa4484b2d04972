"""What `make demo` shows: `parts` runs the system, `office` is its operator, `people` are its people,
`steps` takes the tour, `screen` prints it."""
