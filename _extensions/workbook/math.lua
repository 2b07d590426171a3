-- Quarto only, Typst only, after Quarto's filters: formulas with the names that Typst has for
-- symbols today, as theme/symbols.lua writes them for the embedded engine, too.

if not FORMAT:match 'typst' then return {} end

local typst_math = dofile(pandoc.path.join { quarto.project.directory, 'theme', 'symbols.lua' })

return { { Math = function(m) return pandoc.RawInline('typst', typst_math(m)) end } }
