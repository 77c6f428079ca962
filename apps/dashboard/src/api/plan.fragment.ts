/** The plan of a campaign, for every document that asks for it. */
const money = '{ amountMinor currency }';

export const campaignPlan = `plan { cashOptimum ${money} hardCap ${money} stretchGoals { number title unit amount reachedAt }
  coverPricePerGpuHour ${money} surplus budgetLines { kind amount ${money} note }
  tranches { number title shareBp budgetKind
    evidence { kind minTokens metric threshold direction quorumBp majorityBp votingSeconds description } }
  approvalsRequired approvers extension { toleranceBp days }
  windows { settlementWindowSeconds retryEverySeconds safetyWindowSeconds
    reserveDays { card usBankAccount sepaDebit bankTransfer } } }`;
