export { type TestDatabase, createTestDatabase } from './database.js';
export { eventually } from './eventually.js';
