"""What several rules ask of a system, worked out once a review: where foreign content goes, what may be
done, who approves, what leans on what. ``known`` puts it together; nothing here judges."""
