"""What one accelerator does of what is planned for it: parity with the CPU, and speed beside its limits."""
