"""The workshop: a session of teams, roles and rounds around the model, its log, its pages and its debrief."""
