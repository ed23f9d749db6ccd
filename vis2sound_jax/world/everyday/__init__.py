"""Procedural films of many kinds of events: things strike, fall, close, collide, tear, burst, flash and walk.

A video encoder that learns from drumsticks alone learns drumsticks. Here nothing has a known look: bodies are plain
shapes with random patterns, and only how they move says what is heard. Films are small, grey and silent, with the times
of their events.
"""
