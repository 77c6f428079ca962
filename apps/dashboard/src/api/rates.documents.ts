/** Reference rates by which gifts in other currencies count. */
const errors = 'userErrors { code message detail hint path }';

export const knownRatesQuery = `query KnownRates { viewer { platformRoles } ${['EUR', 'GBP', 'CHF', 'CAD', 'JPY']
  .map((code) => `${code}: exchangeRate(base: "${code}", quote: "USD") { rate asOf source }`)
  .join(' ')} }`;
export const ratesImport = `mutation RatesImport($input: ExchangeRatesImportInput!) {
  exchangeRatesImport(input: $input) { read added ${errors} }
}`;
