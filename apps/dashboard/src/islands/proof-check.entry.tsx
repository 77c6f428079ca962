import { wake } from './hydrate.js';
import { ProofCheck } from './proof-check.js';

wake('proof-check', ProofCheck);
