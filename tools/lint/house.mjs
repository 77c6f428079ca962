// Rules of this house for oxlint. Each says in its message what to do instead. Tested by house.spec.ts beside it.

const MONEY = /(amount|Minor|milliseconds|Milliseconds|balance|fee|Fee)(s|Minor)?$/;

const nameOf = (node) => {
  if (node?.type === 'Identifier') return node.name;
  if (node?.type === 'MemberExpression' && !node.computed) return node.property.name;
  return '';
};

const FLOAT_MAKERS = new Set(['parseFloat', 'Number']);
const FLOAT_MATH = new Set(['round', 'floor', 'ceil', 'trunc']);

/** Amounts are bigint in minor units; a float loses cents. */
const moneyIsNeverAFloat = {
  create: (context) => ({
    CallExpression(node) {
      const argument = nameOf(node.arguments[0]);
      if (!MONEY.test(argument)) return;
      const { callee } = node;
      const maker = callee.type === 'Identifier' && FLOAT_MAKERS.has(callee.name);
      const math =
        callee.type === 'MemberExpression' && nameOf(callee.object) === 'Math' && FLOAT_MATH.has(nameOf(callee));
      if (maker || math) {
        context.report({
          node,
          message: `"${argument}" is an amount in minor units: keep it a bigint, or format it with formatMinorUnits.`,
        });
      }
    },
  }),
};

const ROOTS = new Set(['Query', 'Mutation', 'Subscription']);

/** A root field without @Access is refused to everybody at run time; say who may call it. */
const rootFieldStatesAccess = {
  create: (context) => ({
    MethodDefinition(node) {
      const names = (node.decorators ?? []).map((d) => nameOf(d.expression.callee ?? d.expression));
      if (names.some((name) => ROOTS.has(name)) && !names.includes('Access')) {
        context.report({ node, message: 'Say who may call this root field: add @Access(…) of #platform.' });
      }
    },
  }),
};

/** Settings are validated in one place, with messages that name the variable. */
const onlyThePlatformReadsTheEnvironment = {
  create: (context) => ({
    MemberExpression(node) {
      if (nameOf(node.object) !== 'process' || nameOf(node) !== 'env') return;
      if (/libs[/\\]platform[/\\]/.test(context.filename)) return;
      context.report({
        node,
        message: 'Take the setting from Config of #platform, which reads and validates the environment.',
      });
    },
  }),
};

export default {
  meta: { name: 'house' },
  rules: {
    'money-is-never-a-float': moneyIsNeverAFloat,
    'root-field-states-access': rootFieldStatesAccess,
    'only-the-platform-reads-the-environment': onlyThePlatformReadsTheEnvironment,
  },
};
