"""How the atmosphere bends rays, as far as it is modelled."""

STANDARD_K = 4.0 / 3.0
"""A straight ray over an earth of k times its radius stands for the ray that the standard atmosphere bends.

The gradient of refractivity is -39 N-units per km in the first kilometre there (Recommendation ITU-R P.834, annex 1);
over land at night and over warm seas k may be much larger, in dry mountain air it is nearer to 1.2.
"""
