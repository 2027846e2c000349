"""What a run may do, and the guarded ways to files and hosts. Knows no tool and no agent."""
