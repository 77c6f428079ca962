import { wake } from './hydrate.js';
import { PoolPayForm } from './pool-pay.js';

wake('pool-pay', PoolPayForm);
