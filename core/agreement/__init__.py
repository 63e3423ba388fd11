"""How far readers agree: declared scales, chance-corrected coefficients, resampling of animals, one report."""
