import { expect, it } from 'vitest';
import { readYaml } from './yaml.reader.js';

it('reads blocks, flows and quotes over several lines', () => {
  const text = [
    'interactions:',
    '- request:',
    '    body: null',
    '    headers: {}',
    '    method: GET',
    '    uri: https://api.example/v1/x?a=b:c',
    '  response:',
    '    body: {string: "{\\n  \\"id\\": \\"x\\\\\\',
    '        y\\"\\',
    '      \\ , \\u00e9\\n}"}',
    '    headers:',
    "      Policy: ['base ''none''; img",
    "          ''self''', plain text; more]",
    '      Kind: [application/json]',
    '    status: {code: 200, message: OK}',
    'version: 1',
    '',
  ].join('\n');
  expect(readYaml(text)).toEqual({
    interactions: [
      {
        request: { body: null, headers: {}, method: 'GET', uri: 'https://api.example/v1/x?a=b:c' },
        response: {
          body: { string: '{\n  "id": "x\\y" , é\n}' },
          headers: { Policy: ["base 'none'; img 'self'", 'plain text; more'], Kind: ['application/json'] },
          status: { code: 200, message: 'OK' },
        },
      },
    ],
    version: 1,
  });
});

it.each([
  ['a: {b', /line 1/],
  ['a: "b', /not closed/],
  ['a: &x 1', /line 1/],
  ['a: 1\n  b', /./],
])('refuses or folds what it does not know: %j', (text, pattern) => {
  try {
    expect(JSON.stringify(readYaml(text))).toMatch(pattern);
  } catch (error) {
    expect((error as Error).message).toMatch(pattern);
  }
});
