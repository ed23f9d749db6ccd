"""Procedural scenes in which things sound where they are seen: shape and colour say what sounds, the place says where.

A network that is to place sounds must know which of the seen things makes which of the heard sounds. So each kind of
thing has its shape, its hue and its family of timbres. What a network was not trained on is held out by `splits`:
timbres, ranges of azimuth, rooms and heads, each alone and all together.
"""
