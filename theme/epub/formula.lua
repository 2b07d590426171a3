-- Formulas that stand alone, for the drawings of the EPUB without MathML.

local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local typst_math = dofile(pandoc.path.join { here, '..', 'symbols.lua' })

function Math(m) return pandoc.RawInline('typst', typst_math(m)) end
