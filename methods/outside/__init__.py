"""Networks that are no method of this project: checkpoints that spandrel recognises, a person's own code, archives."""
