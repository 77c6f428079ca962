/** Currencies of ISO 4217 whose minor unit is not a hundredth: the number of decimal digits (list one, "Minor unit"). */
const DIGITS: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    [
      'BIF',
      'CLP',
      'DJF',
      'GNF',
      'ISK',
      'JPY',
      'KMF',
      'KRW',
      'PYG',
      'RWF',
      'UGX',
      'VND',
      'VUV',
      'XAF',
      'XOF',
      'XPF',
    ].map((code) => [code, 0]),
  ),
  ...Object.fromEntries(['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'].map((code) => [code, 3])),
};

/** How many decimal digits a currency's minor unit has: 2 for USD, 0 for JPY, 3 for KWD. */
export const currencyScale = (code: string): number => DIGITS[code] ?? 2;
