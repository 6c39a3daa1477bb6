"""Hostile input: seeded attempts to break edgewise, each of which must end in a result or in one clear sentence.

`attempts` says what an attempt is and judges how it ended; the files `kinds_*` make attempts of every kind from a seed;
`worker` carries them out in a process of its own and `pool` drives workers under limits of time and memory; `kills` ends
fits at random moments. `benchmarks/hostile.py` runs them by the thousand, the tests here a small share.
"""
