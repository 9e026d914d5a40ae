import type { FileFormat } from "../files/file-format.ts";

const writeWithPandas = (read: string) =>
  `turn it into CSV, for example with python -c "import pandas; pandas.${read}.to_csv('stones.csv', index=False)"`;
const MODEL_ADVICE = "a model is read by `npm run train -- import FILE --name NAME`";

/** How to turn a file of each format into CSV, for error texts. Gzip is unpacked, so it is only named inside of gzip. */
export const FORMAT_ADVICE: Readonly<Record<Exclude<FileFormat, "empty">, string>> = {
  gzip: "it is packed twice: unpack it once with gunzip",
  zip: "unzip it, and name the CSV file that is in it",
  excel: `save it as CSV in the program that made it, or ${writeWithPandas("read_excel('stones.xlsx')")}`,
  parquet: writeWithPandas("read_parquet('stones.parquet')"),
  arrow: writeWithPandas("read_feather('stones.feather')"),
  pickle: `${writeWithPandas("read_pickle('stones.pkl')")} (only if you trust its author: a pickle can run code)`,
  numpy: "write its table as CSV, with a header line that names the columns",
  hdf5: writeWithPandas("read_hdf('stones.h5')"),
  rData: "turn it into CSV, for example with Rscript -e \"write.csv(readRDS('stones.rds'), 'stones.csv')\"",
  html: "it may be a login page or an error page: download the CSV file itself",
  xml: "export the table as CSV from the program that made it",
  lfsPointer: "get the file itself with `git lfs pull`",
  json: writeWithPandas("read_json('stones.json')"),
  lightgbmText: MODEL_ADVICE,
  catboost: MODEL_ADVICE,
  xgboostBinary: MODEL_ADVICE,
  sqlite:
    'turn it into CSV, for example with sqlite3 -header -csv stones.db "SELECT * FROM stones" > stones.csv',
  pdf: "export the table as CSV from the program that made it",
  compressed: "unpack it first; only gzip is unpacked by itself",
  tar: "unpack it, and name the CSV file that is in it",
};
