"""Names of countries, to tell "Paris, France", one place, from a list of two answers."""

import re
from typing import Final

from vscbench.utility.wording import folded

# Without Chad, Georgia, Jordan and Turkey: behind a comma these are as often a name or a dish.
_COUNTRIES: Final = frozenset(
    """Afghanistan,Albania,Algeria,Andorra,Angola,Argentina,Armenia,Australia,Austria,Azerbaijan,
    Bahamas,Bahrain,Bangladesh,Barbados,Belarus,Belgium,Belize,Benin,Bhutan,Bolivia,Botswana,
    Brazil,Brunei,Bulgaria,Burundi,Cambodia,Cameroon,Canada,Chile,China,Colombia,Costa Rica,
    Croatia,Cuba,Cyprus,Czech Republic,Czechia,Denmark,Dominican Republic,Ecuador,Egypt,
    El Salvador,England,Eritrea,Estonia,Ethiopia,Fiji,Finland,France,Gabon,Gambia,Germany,Ghana,
    Great Britain,Greece,Guatemala,Guinea,Guyana,Haiti,Honduras,Hungary,Iceland,India,Indonesia,
    Iran,Iraq,Ireland,Israel,Italy,Ivory Coast,Jamaica,Japan,Kazakhstan,Kenya,Kosovo,Kuwait,
    Kyrgyzstan,Laos,Latvia,Lebanon,Lesotho,Liberia,Libya,Liechtenstein,Lithuania,Luxembourg,
    Madagascar,Malawi,Malaysia,Maldives,Mali,Malta,Mauritania,Mauritius,Mexico,Moldova,Monaco,
    Mongolia,Montenegro,Morocco,Mozambique,Myanmar,Namibia,Nepal,Netherlands,New Zealand,Nicaragua,
    Niger,Nigeria,North Korea,North Macedonia,Northern Ireland,Norway,Oman,Pakistan,Panama,
    Papua New Guinea,Paraguay,Peru,Philippines,Poland,Portugal,Qatar,Romania,Russia,Rwanda,
    Saudi Arabia,Scotland,Senegal,Serbia,Seychelles,Sierra Leone,Singapore,Slovakia,Slovenia,
    Somalia,South Africa,South Korea,South Sudan,Spain,Sri Lanka,Sudan,Suriname,Sweden,Switzerland,
    Syria,Taiwan,Tajikistan,Tanzania,Thailand,Togo,Tunisia,Turkmenistan,Uganda,UK,Ukraine,
    United Arab Emirates,United Kingdom,United States,United States of America,Uruguay,US,USA,
    Uzbekistan,Venezuela,Vietnam,Wales,Yemen,Zambia,Zimbabwe""".casefold()
    .replace("\n", "")
    .replace("    ", "")
    .split(",")
)
_LAST: Final = re.compile(r",\s*([A-Z][^,;:\n]{0,40}?)[\s.!]*$")


def without_country(text: str) -> str:
    """Take the country off a text that ends in "PLACE, COUNTRY"; of a list of them, nothing."""
    found = _LAST.search(text)
    if not found or folded(found[1]) not in _COUNTRIES:
        return text
    place = text[: found.start()]
    said = f" {folded(place)} "
    is_one_place = not any(f" {country} " in said for country in _COUNTRIES)
    return place if is_one_place else text
