import { wake } from './hydrate.js';
import { RunLiveView } from './run-live.js';

wake('run-live', RunLiveView);
