/** The pure part of the transparency room, for code that must run without a server: `#transparency/pure`. */
export * from '../../src/browser.js';
