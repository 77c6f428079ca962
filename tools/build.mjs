// `npm run build`: everything that `npm start` would build, without starting.
import { build, checkNode, install } from './prepare.mjs';

checkNode();
install();
build();
