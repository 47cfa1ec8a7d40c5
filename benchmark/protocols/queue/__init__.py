"""The queue of trainings and measurements that wait for a machine: its lines, its page, and working through it."""
