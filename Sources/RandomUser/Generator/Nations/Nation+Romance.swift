extension Nation {
    /// Brazil, Spain, France.
    static let romance: [Nation] = [
        Nation(
            "BR", "Brazil",
            male:
                "João,José,Antônio,Luís,Caio,Otávio,Thiago,Vinícius,Raí,Eduardo,Heitor,Davi,Gustavo,Leônidas,Murilo,Sérgio,Ubirajara,Edson,Júlio,Wagner",
            female:
                "Maria,Ana,Letícia,Júlia,Beatriz,Lívia,Manuela,Conceição,Iara,Luíza,Raíssa,Taís,Jussara,Cecília,Antônia,Rosângela,Yasmin,Débora,Mércia,Valéria",
            last:
                "Silva,Santos,Oliveira,Souza,Lima,Pereira,Ferreira,Costa,Rodrigues,Almeida,Nascimento,Araújo,Carvalho,Gonçalves,Ribeiro,Cavalcanti,Monteiro,Castro,da Rocha,Teixeira,Moreira,Fogaça",
            streets:
                "Rua da Paz,Rua São Paulo,Avenida Brasil,Rua Sete de Setembro,Travessa dos Martírios,Rua das Flores,Rua Quinze de Novembro,Avenida Getúlio Vargas,Rua Belo Horizonte,Rua Tiradentes,Rua Pará,Beco do Rosário",
            cities:
                "Anápolis,Belém,Campo Largo,Diadema,Feira de Santana,Goiânia,Ilhéus,Joinville,Londrina,Macapá,Niterói,Olinda,Petrópolis,Rio Branco,São Luís,Teresina,Uberlândia,Várzea Grande",
            states:
                "Acre,Alagoas,Amapá,Amazonas,Bahia,Ceará,Distrito Federal,Espírito Santo,Goiás,Maranhão,Mato Grosso,Minas Gerais,Pará,Paraíba,Paraná,Pernambuco,Piauí,Rio de Janeiro,Rondônia,Roraima,Santa Catarina,São Paulo,Sergipe,Tocantins",
            postcode: .number(10_000...99_998), phones: ["(##) ####-####"], cells: ["(##) ####-####"], identity: .cpf),
        Nation(
            "ES", "Spain",
            male:
                "Antonio,Manuel,José,Álvaro,Iván,Óscar,Adrián,Rubén,Joaquín,Ángel,Íker,Jordi,Xabier,Gonzalo,Víctor,Tomás,Nicolás,Hugo,Julio,Germán",
            female:
                "María,Carmen,Lucía,Nerea,Inés,Concepción,Begoña,Ángela,Montserrat,Rocío,Ainhoa,Pilar,Esperanza,Sofía,Mónica,Beatriz,Encarnación,Yolanda,Núria,Alba",
            last:
                "García,Fernández,González,Rodríguez,López,Martínez,Sánchez,Pérez,Gómez,Martín,Jiménez,Ruiz,Hernández,Díaz,Álvarez,Muñoz,Ibáñez,Núñez,Vázquez,Iglesias,Garrido,Peña",
            streets:
                "Calle Mayor,Calle de Alcalá,Paseo de Extremadura,Avenida de América,Calle de Toledo,Ronda de Toledo,Calle del Pez,Avenida de Castilla,Calle de Arganzuela,Calle Nebrija,Paseo Zorrilla,Calle de La Luna",
            cities:
                "Alcalá de Henares,Badajoz,Cádiz,Elche,Fuenlabrada,Gijón,Huelva,Jerez de la Frontera,La Coruña,Málaga,Oviedo,Pamplona,San Sebastián de los Reyes,Torrevieja,Valladolid,Vigo,Zaragoza",
            states:
                "Andalucía,Aragón,Asturias,Canarias,Cantabria,Castilla la Mancha,Castilla y León,Cataluña,Ceuta,Comunidad de Madrid,Comunidad Valenciana,Extremadura,Galicia,Islas Baleares,La Rioja,Melilla,Navarra,País Vasco,Región de Murcia",
            postcode: .number(10_000...99_998), phones: ["9##-###-###"], cells: ["6##-###-###"], identity: .dni),
        Nation(
            "FR", "France",
            male:
                "Jean,Léo,Maël,Gaëtan,Rémi,François,Théo,Clément,Loïc,Grégoire,Noé,Basile,Anatole,Mathéo,Étienne,Lucien,Côme,Gaspard,Benoît,Sacha",
            female:
                "Camille,Chloé,Zoé,Élise,Maëlle,Océane,Hélène,Inès,Agathe,Noémie,Adèle,Solène,Lise,Mélina,Garance,Éloïse,Flavie,Apolline,Anaïs,Cléa",
            last:
                "Martin,Bernard,Dubois,Thomas,Robert,Richard,Petit,Durand,Leroy,Moreau,Lefèvre,Garçon,Fournier,Girard,Mercier,Dupont,Lambert,Bonnet,Legrand,Faure,Gaillard,Lacroix,Étienne,Noël",
            streets:
                "Rue de la République,Avenue Jean-Jaurès,Rue Victor-Hugo,Place de la Mairie,Rue de L'Abbé-Grégoire,Rue Pasteur,Quai Charles-De-Gaulle,Rue de la Gare,Rue du Château,Boulevard de L'Océan,Rue des Écrivains,Montée Saint-Barthélémy",
            cities:
                "Aix-en-Provence,Besançon,Clermont-Ferrand,Dijon,Fort-de-France,Grenoble,Le Havre,Limoges,Mérignac,Nîmes,Orléans,Perpignan,Reims,Saint-Étienne,Tourcoing,Versailles,Villeurbanne",
            states:
                "Ain,Ardèche,Aude,Calvados,Charente-Maritime,Côte-d'Or,Deux-Sèvres,Drôme,Finistère,Gironde,Hérault,Indre-et-Loire,Isère,Jura,La Réunion,Loire,Lozère,Morbihan,Nièvre,Puy-de-Dôme,Rhône,Savoie,Val-d'Oise,Vendée,Yonne",
            postcode: .number(10_000...99_998),
            phones: ["01-##-##-##-##", "02-##-##-##-##", "03-##-##-##-##", "04-##-##-##-##", "05-##-##-##-##"],
            cells: ["06-##-##-##-##"], identity: .insee),
    ]
}
