"""What an editor asks for, as functions of a snapshot and a place that give plain values. They know no protocol."""
