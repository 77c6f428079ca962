import 'reflect-metadata';
import fc from 'fast-check';

// A run that others wait for draws the same cases every time, so that what it says is about the change and not about the
// dice. FAST_CHECK_SEED=random looks further; a number repeats a run that failed.
const asked = process.env['FAST_CHECK_SEED'] ?? '20261124';
if (asked !== 'random') fc.configureGlobal({ seed: Number(asked) });
