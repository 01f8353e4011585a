{#-
    Columns of an empirical-Bayes estimate (gamma-Poisson) of how many times the expected number of events a group has.
    Counts y of expectation m are Poisson(m * r), r is gamma with mean 1 and variance phi. The moments of all groups give
    phi = sum((y - m)^2 - m) / sum(m^2), and the mean of r given y is (y + 1/phi) / (m + 1/phi): with little seen near 1, with
    much near y/m (Clayton and Kaldor 1987, Biometrics 43; DuMouchel 1999, The American Statistician 53). phi is kept within 0.01
    and 10: below, all groups would be one, above, every group would stand alone.
-#}
{% macro spread(events, expected, partition) -%}
    least(10.0, greatest(0.01,
        sum(power({{ events }} - {{ expected }}, 2) - {{ expected }}) over (partition by {{ partition }})
        / nullif(sum(power({{ expected }}, 2)) over (partition by {{ partition }}), 0)
    ))
{%- endmacro %}

{% macro shrunk_ratio(events, expected, spread) -%}
    coalesce(({{ events }} + 1 / {{ spread }}) / ({{ expected }} + 1 / {{ spread }}), 1.0)
{%- endmacro %}
