-- Quarto only, Typst only, after Quarto's filters: what Quarto's writer would put in other words
-- than the embedded engine does.

if not FORMAT:match 'typst' then return {} end

local typst_math = dofile(pandoc.path.join { quarto.project.directory, 'theme', 'symbols.lua' })

-- The writer makes ' and " of these, from which Typst makes marks of its own, in a face that
-- the rules of theme/print/type.typ for marks do not reach.
local MARKS = { ['‘'] = true, ['’'] = true, ['“'] = true, ['”'] = true }

local function with_marks(str)
  local parts, words = pandoc.Inlines {}, ''
  local function say()
    if words ~= '' then parts:insert(pandoc.Str(words)) end
    words = ''
  end
  for character in str.text:gmatch(utf8.charpattern) do
    if MARKS[character] then
      say()
      parts:insert(pandoc.RawInline('typst', character))
    else
      words = words .. character
    end
  end
  if #parts == 0 then return nil end
  say()
  return parts
end

return {
  {
    -- Formulas with the names that Typst has for symbols today.
    Math = function(m) return pandoc.RawInline('typst', typst_math(m)) end,
    Str = with_marks,
  },
}
