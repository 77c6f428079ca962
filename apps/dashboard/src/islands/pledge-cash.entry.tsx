import { wake } from './hydrate.js';
import { PledgeCashForm } from './pledge-cash.js';

wake('pledge-cash', PledgeCashForm);
